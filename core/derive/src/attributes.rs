//! serde's attributes, as far as a reader and a writer need them, and the ones of our own for what a function reads or
//! writes: `#[json(read_with = "…", write_with = "…")]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, ExprPath, Ident, LitStr};

/// How names are spelled.
#[derive(Clone, Copy, Default)]
pub(crate) enum Case {
    #[default]
    AsWritten,
    Camel,
    Snake,
    Lower,
}

impl Case {
    fn of(text: &LitStr) -> syn::Result<Self> {
        match &*text.value() {
            "camelCase" => Ok(Self::Camel),
            "snake_case" => Ok(Self::Snake),
            "lowercase" => Ok(Self::Lower),
            _ => Err(syn::Error::new_spanned(text, "a case that is not known here")),
        }
    }

    /// The name of a member, written in snake case.
    pub(crate) fn of_field(self, name: &Ident) -> String {
        let name = name.to_string();
        let name = name.trim_start_matches("r#");
        if !matches!(self, Self::Camel) {
            return name.to_owned();
        }
        let mut words = name.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |name, word| name + &capitalised(word))
    }

    /// The name of a variant, written in Pascal case.
    pub(crate) fn of_variant(self, name: &Ident) -> String {
        let name = name.to_string();
        match self {
            Self::AsWritten => name,
            Self::Lower => name.to_lowercase(),
            Self::Camel => name[..1].to_lowercase() + &name[1..],
            Self::Snake => {
                let mut snake = String::new();
                for (index, letter) in name.char_indices() {
                    if index > 0 && letter.is_uppercase() {
                        snake.push('_');
                    }
                    snake.extend(letter.to_lowercase());
                }
                snake
            }
        }
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A type's attributes.
#[derive(Default)]
pub(crate) struct Container {
    pub(crate) names: Case,
    /// For the members of an enum's variants.
    pub(crate) member_names: Case,
    /// Every absent member is the type's default's.
    pub(crate) has_default: bool,
    /// The member that names the variant, where that stands beside or around its content.
    pub(crate) tag: Option<String>,
    /// The member that has the content.
    pub(crate) content: Option<String>,
}

impl Container {
    pub(crate) fn of(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut container = Self::default();
        each(attributes, |meta| {
            if meta.path.is_ident("rename_all") {
                container.names = Case::of(&text(meta)?)?;
            } else if meta.path.is_ident("rename_all_fields") {
                container.member_names = Case::of(&text(meta)?)?;
            } else if meta.path.is_ident("default") {
                container.has_default = true;
            } else if meta.path.is_ident("tag") {
                container.tag = Some(text(meta)?.value());
            } else if meta.path.is_ident("content") {
                container.content = Some(text(meta)?.value());
            } else if !meta.path.is_ident("transparent") {
                return Err(meta.error("an attribute that is not known here"));
            }
            Ok(())
        })?;
        Ok(container)
    }
}

/// What an absent member is.
pub(crate) enum Absent {
    /// What its type says: nothing for an `Option`, an error for others.
    ByType,
    Default,
    Call(ExprPath),
}

/// The attributes of a field or a variant.
pub(crate) struct Part {
    name: Option<String>,
    aliases: Vec<String>,
    pub(crate) absent: Absent,
    pub(crate) read_with: Option<ExprPath>,
    pub(crate) write_with: Option<ExprPath>,
    pub(crate) left_out_if: Option<ExprPath>,
    pub(crate) is_written: bool,
    pub(crate) is_skipped: bool,
    pub(crate) is_flat: bool,
    /// A variant for every name that is not known.
    pub(crate) is_other: bool,
}

impl Part {
    pub(crate) fn of(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut part = Self {
            name: None,
            aliases: Vec::new(),
            absent: Absent::ByType,
            read_with: None,
            write_with: None,
            left_out_if: None,
            is_written: true,
            is_skipped: false,
            is_flat: false,
            is_other: false,
        };
        each(attributes, |meta| {
            if meta.path.is_ident("rename") {
                part.name = Some(text(meta)?.value());
            } else if meta.path.is_ident("alias") {
                part.aliases.push(text(meta)?.value());
            } else if meta.path.is_ident("default") {
                let is_plain = meta.input.is_empty() || meta.input.peek(syn::Token![,]);
                part.absent = if is_plain { Absent::Default } else { Absent::Call(text(meta)?.parse()?) };
            } else if meta.path.is_ident("read_with") {
                part.read_with = Some(text(meta)?.parse()?);
            } else if meta.path.is_ident("skip") {
                part.is_skipped = true;
                part.is_written = false;
            } else if meta.path.is_ident("flatten") {
                part.is_flat = true;
            } else if meta.path.is_ident("other") {
                part.is_other = true;
            } else if meta.path.is_ident("write_with") {
                part.write_with = Some(text(meta)?.parse()?);
            } else if meta.path.is_ident("skip_serializing_if") {
                part.left_out_if = Some(text(meta)?.parse()?);
            } else if meta.path.is_ident("skip_serializing") {
                part.is_written = false;
            } else {
                return Err(meta.error("an attribute that is not known here"));
            }
            Ok(())
        })?;
        Ok(part)
    }

    /// The name in the text, for a field or variant whose own name there would be `own`.
    pub(crate) fn name(&self, own: String) -> String {
        self.name.clone().unwrap_or(own)
    }

    /// That name, and the others under which it is read.
    pub(crate) fn names(&self, own: String) -> Vec<String> {
        let mut names = vec![self.name(own)];
        names.extend(self.aliases.iter().cloned());
        names
    }

    /// The expression that reads the value.
    pub(crate) fn value(&self) -> TokenStream {
        if let Some(path) = &self.read_with {
            quote!(#path(reader)?)
        } else {
            quote!(crate::json::read::Read::read(reader)?)
        }
    }
}

fn each(attributes: &[Attribute], mut look: impl FnMut(&ParseNestedMeta<'_>) -> syn::Result<()>) -> syn::Result<()> {
    for attribute in
        attributes.iter().filter(|attribute| attribute.path().is_ident("serde") || attribute.path().is_ident("json"))
    {
        attribute.parse_nested_meta(|meta| look(&meta))?;
    }
    Ok(())
}

fn text(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    meta.value()?.parse()
}
