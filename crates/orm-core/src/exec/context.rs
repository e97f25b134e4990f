//! What a caller says about its commands.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

type Text = Cow<'static, str>;

/// What a caller says about its commands: tags for logs and traces, and values of types of your own, such as the user who
/// acts or the tenant that is served. Observers and passes see it. Cheap to clone; empty, it costs nothing.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::backend::Context;
///
/// struct Actor(i64);
/// let request = db.with(Context::new().tag("route", "GET /users").value(Actor(7)));
/// let users = User::query().include(User::posts).all(&request).await?;
/// assert_eq!(request.handle().context().get::<Actor>().map(|actor| actor.0), Some(7));
/// # assert_eq!(users.len(), 3);
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Context(Option<Arc<Parts>>);

#[derive(Clone, Default)]
struct Parts {
    tags: Vec<(Text, Text)>,
    values: Vec<(TypeId, Arc<dyn Any + Send + Sync>)>,
}

impl Context {
    /// A context that says nothing.
    pub const fn new() -> Self {
        Context(None)
    }

    /// Adds a tag; one of the same name is replaced.
    pub fn tag(mut self, name: impl Into<Text>, value: impl Into<Text>) -> Self {
        self.parts().put_tag(name.into(), value.into());
        self
    }

    /// Adds a value; one of the same type is replaced.
    pub fn value<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.parts().put_value(TypeId::of::<T>(), Arc::new(value));
        self
    }

    /// The value of a tag.
    pub fn tag_value(&self, name: &str) -> Option<&str> {
        self.tags().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The tags, in the order in which they were added.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|parts| parts.tags.iter()).map(|(name, value)| (&**name, &**value))
    }

    /// The value of a type.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        let values = &self.0.as_ref()?.values;
        values.iter().find(|(id, _)| *id == TypeId::of::<T>()).and_then(|(_, value)| value.downcast_ref())
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// This context with what another says; what both say is as the other says.
    pub fn and(mut self, other: &Context) -> Self {
        match (&mut self.0, &other.0) {
            (_, None) => {}
            (None, _) => self = other.clone(),
            (Some(own), Some(other)) => {
                let own = Arc::make_mut(own);
                other.tags.iter().for_each(|(name, value)| own.put_tag(name.clone(), value.clone()));
                other.values.iter().for_each(|(id, value)| own.put_value(*id, Arc::clone(value)));
            }
        }
        self
    }

    fn parts(&mut self) -> &mut Parts {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl Parts {
    fn put_tag(&mut self, name: Text, value: Text) {
        match self.tags.iter_mut().find(|(known, _)| *known == name) {
            Some(tag) => tag.1 = value,
            None => self.tags.push((name, value)),
        }
    }

    fn put_value(&mut self, id: TypeId, value: Arc<dyn Any + Send + Sync>) {
        match self.values.iter_mut().find(|(known, _)| *known == id) {
            Some(known) => known.1 = value,
            None => self.values.push((id, value)),
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.tags()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_later_is_what_counts() {
        let outer = Context::new().tag("route", "/a").tag("host", "x").value(1_i32).value("text");
        let both = outer.clone().and(&Context::new().tag("route", "/b").value(2_i32));
        assert_eq!(both.tags().collect::<Vec<_>>(), [("route", "/b"), ("host", "x")]);
        assert_eq!(
            (both.get::<i32>(), both.get::<&str>(), both.get::<u8>()),
            (Some(&2), Some(&"text"), None)
        );
        assert_eq!(outer.tag_value("route"), Some("/a"), "the outer one is as it was");
        assert!(Context::new().and(&Context::new()).is_empty());
    }
}
