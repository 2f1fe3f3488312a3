//! `#[derive(Read, Write)]`: reads the types of `turnledger-core` from JSON text, and writes them.
//!
//! serde's derived code is compiled anew for each type: a loop over the members, their names, every error. It is fast,
//! but for the two hundred types of the protocol it is most of a WebAssembly module. The code derived here hands a
//! table of names and a closure to one reader that all types share, and a table of names and values to one writer.
//! It understands serde's own attributes, which the JSON Schema of the types follows, too; an attribute that it does
//! not know is an error. An enum of words is made of its words, too: by `From<&str>` if it has a variant for any other
//! word, else by `FromStr`.

mod attributes;
mod enums;
mod structs;
mod write;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, GenericParam, Generics, Lifetime, parse_macro_input, parse_quote};

/// Derives `turnledger_core`'s `Read`.
#[proc_macro_derive(Read, attributes(json, serde))]
pub fn derive_read(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Derives `turnledger_core`'s `Write`.
#[proc_macro_derive(Write, attributes(json, serde))]
pub fn derive_write(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    write::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let container = attributes::Container::of(&input.attrs)?;
    let name = &input.ident;
    let body = match &input.data {
        Data::Struct(data) => structs::read(name, &quote!(Self), &data.fields, &container)?,
        Data::Enum(data) => enums::read(name, data, &container)?,
        Data::Union(_) => return Err(syn::Error::new_spanned(input, "a union cannot be read")),
    };
    let words = match &input.data {
        Data::Enum(data) => enums::from_words(name, data, &container)?,
        _ => TokenStream::new(),
    };
    let (_, arguments, _) = input.generics.split_for_impl();
    let (generics, text) = with_text(&input.generics);
    let (parameters, _, conditions) = generics.split_for_impl();
    Ok(quote! {
        impl #parameters crate::json::read::Read<#text> for #name #arguments #conditions {
            fn read(reader: &mut crate::json::read::Reader<#text>) -> Result<Self, crate::json::read::Failed> {
                #body
            }
        }
        #words
    })
}

/// The implementation's parameters, and the lifetime of the text that is read: the type's own where it borrows.
fn with_text(generics: &Generics) -> (Generics, Lifetime) {
    let mut generics = generics.clone();
    let own = generics.lifetimes().next().map(|parameter| parameter.lifetime.clone());
    let text = own.unwrap_or_else(|| {
        generics.params.insert(0, parse_quote!('text));
        parse_quote!('text)
    });
    for parameter in &mut generics.params {
        if let GenericParam::Type(parameter) = parameter {
            parameter.bounds.push(parse_quote!(crate::json::read::Read<#text>));
        }
    }
    (generics, text)
}
