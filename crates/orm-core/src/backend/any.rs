//! A database that is one of several, chosen when the program starts.

/// Makes a database that is one of a list of drivers, third-party ones included: a handle, its session, and the traits of a
/// driver, each call being the same call on whichever it is. The handle is made of a driver's by `From`.
///
/// It offers the capabilities that are named; all others are asked for with [`dynamic`](crate::query::Query::dynamic) and checked
/// when the query runs. Each driver must be an [`Executor`](crate::backend::Executor) whose backend it is itself.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> orm::Result<()> {
/// use orm::prelude::*;
/// use orm::backend::{Database, Executor};
///
/// orm_core::any_database! {
///     /// The databases of this program.
///     pub struct Ours;
///     /// Where its commands go.
///     pub enum OurSession { Embedded(Sqlite) }
///     capabilities: Savepoints, RawSql;
/// }
/// let db = Ours::from(Sqlite::memory().await?);
/// assert_eq!(sql::<i64>("SELECT 1").one(&db).await?, 1);
/// # Ok(()) }
/// ```
#[macro_export]
macro_rules! any_database {
    (
        $(#[$database:meta])*
        $vis:vis struct $name:ident;
        $(#[$place:meta])*
        $session_vis:vis enum $session:ident { $($(#[$cfg:meta])* $variant:ident($driver:ty)),+ $(,)? }
        capabilities: $($capability:ident),* $(,)?;
    ) => {
        $(#[$database])*
        #[derive(Clone, Debug)]
        $vis struct $name($crate::backend::Handle<$name>);

        $(#[$place])*
        #[derive(Clone)]
        #[non_exhaustive]
        $session_vis enum $session {
            $(
                $(#[$cfg])*
                #[doc = concat!("Of `", stringify!($variant), "`.")]
                $variant(<$driver as $crate::backend::Backend>::Session),
            )+
        }

        impl ::core::fmt::Debug for $session {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(match self {
                    $($(#[$cfg])* $session::$variant(_) => stringify!($variant),)+
                })
            }
        }

        $(
            $(#[$cfg])*
            impl ::core::convert::From<$driver> for $name {
                fn from(db: $driver) -> Self {
                    let handle = $crate::backend::Executor::handle(&db);
                    $name(handle.map(|session| $session::$variant(::core::clone::Clone::clone(session))))
                }
            }
        )+

        #[diagnostic::do_not_recommend]
        impl $crate::backend::Executor for $name {
            type Backend = $name;
            fn handle(&self) -> &$crate::backend::Handle<$name> {
                &self.0
            }
        }

        impl $crate::backend::Database for $name {}
        $crate::supports!($name: $($capability),*);

        impl $crate::backend::Backend for $name {
            const NAME: &'static str = "any";
            type Session = $session;

            async fn run<D: $crate::backend::Decoder>(
                session: &$session,
                command: $crate::ir::Command,
                decoder: D,
            ) -> $crate::Result<D::Out> {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::Backend>::run(inner, command, decoder).await
                        }
                    )+
                }
            }

            fn stream<T: $crate::backend::FromRow + ::core::marker::Send + 'static>(
                session: &$session,
                command: $crate::ir::Command,
            ) -> $crate::backend::BoxStream<'static, $crate::Result<T>> {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::Backend>::stream(inner, command)
                        }
                    )+
                }
            }

            async fn together(session: &$session) -> $crate::Result<$session> {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::Backend>::together(inner).await.map($session::$variant)
                        }
                    )+
                }
            }

            fn offers(session: &$session, capability: &str) -> bool {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::Backend>::offers(inner, capability)
                        }
                    )+
                }
            }

            fn updates_rows(session: &$session) -> bool {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => <$driver as $crate::backend::Backend>::updates_rows(inner),
                    )+
                }
            }

            fn nan_first(session: &$session) -> bool {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => <$driver as $crate::backend::Backend>::nan_first(inner),
                    )+
                }
            }

            fn render(session: &$session, command: &$crate::ir::Command) -> $crate::Result<::std::string::String> {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => <$driver as $crate::backend::Backend>::render(inner, command),
                    )+
                }
            }
        }

        impl $crate::backend::Explain for $name {
            async fn explain(
                session: &$session,
                command: $crate::ir::Command,
            ) -> $crate::Result<::std::string::String> {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::Explain>::explain(inner, command).await
                        }
                    )+
                }
            }
        }

        impl $crate::backend::Transactions for $name {
            async fn begin(
                session: &$session,
                options: $crate::backend::TxOptions,
            ) -> $crate::Result<$session> {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::Transactions>::begin(inner, options)
                                .await
                                .map($session::$variant)
                        }
                    )+
                }
            }

            async fn savepoint(session: &$session) -> $crate::Result<$session> {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::Transactions>::savepoint(inner)
                                .await
                                .map($session::$variant)
                        }
                    )+
                }
            }

            async fn commit(session: &$session) -> $crate::Result<()> {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::Transactions>::commit(inner).await
                        }
                    )+
                }
            }

            async fn rollback(session: &$session) -> $crate::Result<()> {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::Transactions>::rollback(inner).await
                        }
                    )+
                }
            }

            fn abandon(session: &$session) {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => <$driver as $crate::backend::Transactions>::abandon(inner),
                    )+
                }
            }
        }

        impl $crate::backend::SchemaStore for $name {
            async fn create_all(
                session: &$session,
                models: &[&'static $crate::meta::ModelMeta],
            ) -> $crate::Result<()> {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::SchemaStore>::create_all(inner, models).await
                        }
                    )+
                }
            }

            async fn drop_all(
                session: &$session,
                models: &[&'static $crate::meta::ModelMeta],
            ) -> $crate::Result<()> {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::SchemaStore>::drop_all(inner, models).await
                        }
                    )+
                }
            }
        }

        impl $crate::backend::SchemaChanges for $name {
            fn language(session: &$session) -> &'static str {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::SchemaChanges>::language(inner)
                        }
                    )+
                }
            }

            async fn change(
                session: &$session,
                change: &$crate::schema::Change,
            ) -> $crate::Result<()> {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::SchemaChanges>::change(inner, change).await
                        }
                    )+
                }
            }

            async fn count(
                session: &$session,
                queries: &[::std::string::String],
            ) -> $crate::Result<::std::vec::Vec<i64>> {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::SchemaChanges>::count(inner, queries).await
                        }
                    )+
                }
            }

            async fn differences(
                session: &$session,
                schema: &$crate::schema::Snapshot,
                gone: &[::std::string::String],
            ) -> $crate::Result<::std::vec::Vec<$crate::schema::Difference>> {
                match session {
                    $(
                        $(#[$cfg])*
                        $session::$variant(inner) => {
                            <$driver as $crate::backend::SchemaChanges>::differences(inner, schema, gone).await
                        }
                    )+
                }
            }
        }
    };
}
