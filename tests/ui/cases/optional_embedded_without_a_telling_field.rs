use orm::prelude::*;

#[derive(Debug, Clone, Embedded)]
pub struct Notes {
    pub public: Option<String>,
    pub private: Option<String>,
}

#[derive(Debug, Clone, Model)]
pub struct Shop {
    #[orm(primary_key)]
    pub id: i64,
    #[orm(embed)]
    pub notes: Option<Notes>,
}

fn main() {}
