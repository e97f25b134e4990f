//! A command with what the gate has to know of it.

use std::panic::Location;

use crate::ir::{Command, Select};

/// A command on its way to the gate: what it needs that the database may lack, and where in the program it was asked for.
///
/// It is kept small: the future of every terminal holds one.
#[derive(Debug, Clone)]
pub struct Envelope {
    content: Content,
    pub(crate) caller: Option<&'static Location<'static>>,
}

#[derive(Debug, Clone)]
enum Content {
    Plain(Command),
    /// With names of capabilities whose check was put off by [`dynamic`](crate::query::Query::dynamic).
    Dynamic(Box<(Command, Vec<&'static str>)>),
}

impl Envelope {
    /// A command that the library sends by itself, such as an include.
    pub(crate) fn new(command: Command) -> Self {
        Envelope { content: Content::Plain(command), caller: None }
    }

    /// A query that the library sends by itself.
    pub(crate) fn of_select(mut select: Select) -> Self {
        let requires = std::mem::take(&mut select.requires);
        Envelope::new(Command::Select(Box::new(select))).requiring(requires)
    }

    /// Adds capabilities that the database must have.
    #[must_use]
    pub fn requiring(mut self, names: Vec<&'static str>) -> Self {
        if !names.is_empty() {
            self.content = match self.content {
                Content::Plain(command) => Content::Dynamic(Box::new((command, names))),
                Content::Dynamic(mut dynamic) => {
                    dynamic.1.extend(names);
                    Content::Dynamic(dynamic)
                }
            };
        }
        self
    }

    /// Notes the caller's place in the program, if every function on the way to here is `#[track_caller]`.
    #[must_use]
    #[track_caller]
    pub fn from_here(mut self) -> Self {
        self.caller = Some(Location::caller());
        self
    }

    /// The command.
    pub fn command(&self) -> &Command {
        match &self.content {
            Content::Plain(command) => command,
            Content::Dynamic(dynamic) => &dynamic.0,
        }
    }

    pub(crate) fn command_mut(&mut self) -> &mut Command {
        match &mut self.content {
            Content::Plain(command) => command,
            Content::Dynamic(dynamic) => &mut dynamic.0,
        }
    }

    pub(crate) fn into_command(self) -> Command {
        match self.content {
            Content::Plain(command) => command,
            Content::Dynamic(dynamic) => dynamic.0,
        }
    }

    /// The names of the capabilities that the database must have.
    pub fn requires(&self) -> &[&'static str] {
        match &self.content {
            Content::Plain(_) => &[],
            Content::Dynamic(dynamic) => &dynamic.1,
        }
    }
}

impl From<Command> for Envelope {
    fn from(command: Command) -> Self {
        Envelope::new(command)
    }
}
