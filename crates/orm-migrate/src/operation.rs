//! What changes between two schemas, independent of a database.

use orm_core::schema::{Check, Column, EnumType, ForeignKey, Index, Table};
use serde::{Deserialize, Serialize};

/// One change of a schema. Tables and columns are named as they are called when the operation is carried out: those before it in a
/// migration have taken effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names say it")]
pub enum Operation {
    CreateTable {
        table: Table,
    },
    DropTable {
        table: Table,
    },
    RenameTable {
        from: String,
        to: String,
    },
    AddColumn {
        table: String,
        column: Box<Column>,
    },
    DropColumn {
        table: String,
        column: Box<Column>,
    },
    RenameColumn {
        table: String,
        from: String,
        to: String,
    },
    /// Type, NULL, default, generated, limits or numbering; the name stays.
    AlterColumn {
        table: String,
        before: Box<Column>,
        after: Box<Column>,
    },
    AddIndex {
        table: String,
        index: Index,
    },
    DropIndex {
        table: String,
        index: Index,
    },
    RenameIndex {
        table: String,
        from: String,
        to: String,
    },
    AddForeignKey {
        table: String,
        key: ForeignKey,
    },
    DropForeignKey {
        table: String,
        key: ForeignKey,
    },
    RenameConstraint {
        table: String,
        from: String,
        to: String,
    },
    AddCheck {
        table: String,
        check: Check,
    },
    DropCheck {
        table: String,
        check: Check,
    },
    ChangePrimaryKey {
        table: String,
        before: Vec<String>,
        after: Vec<String>,
    },
    /// Of a table, or of one of its columns.
    Comment {
        table: String,
        column: Option<String>,
        before: Option<String>,
        after: Option<String>,
    },
    CreateEnum {
        name: String,
        variants: Vec<String>,
    },
    DropEnum {
        name: String,
        variants: Vec<String>,
    },
    AlterEnum {
        before: EnumType,
        after: EnumType,
    },
}

/// What an operation means for rows and for programs that run meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Something new that no running program has to know of.
    Additive,
    /// What was possible stays possible.
    Widening,
    /// Rows have to be changed or have to meet a condition.
    Data,
    /// Values are lost, or a running program loses what it reads.
    Destructive,
}
