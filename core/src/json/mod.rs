//! The JSON library of this crate: reading and writing by tables, with serde's attributes and little code.

pub(crate) mod read;
pub(crate) mod scan;
pub(crate) mod schema;
pub(crate) mod write;
