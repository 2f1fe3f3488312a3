//! Reading enums: by a word, or by an object of one member; and making them of their words.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DataEnum, Fields, Ident};

use crate::attributes::{Container, Part};
use crate::structs;

pub(crate) fn read(name: &Ident, data: &DataEnum, container: &Container) -> syn::Result<TokenStream> {
    if container.tag.is_some() {
        let message =
            "an enum whose variant a member names is read by hand: what such an object holds is often left out";
        return Err(syn::Error::new_spanned(&data.variants, message));
    }
    let mut names = Vec::new();
    let mut arms = Vec::new();
    let mut other = None;
    let inner = Container { names: container.member_names, ..Container::default() };
    let are_words = data.variants.iter().all(|variant| matches!(variant.fields, Fields::Unit));
    for variant in &data.variants {
        let part = Part::of(&variant.attrs)?;
        let ident = &variant.ident;
        let constructor = quote!(Self::#ident);
        if part.is_skipped {
            continue;
        }
        if part.is_other {
            other = Some(constructor);
            continue;
        }
        let own = part.names(container.names.of_variant(ident));
        let indexes = names.len()..names.len() + own.len();
        names.extend(own);
        let value = if are_words {
            quote!(Ok(#constructor))
        } else {
            let read = structs::read(name, &constructor, &variant.fields, &inner)?;
            quote!({ #read })
        };
        arms.push(quote!(#(#indexes)|* => #value,));
    }
    let (of, names) = (name.to_string(), quote!(&[#(#names),*]));
    let unknown = match other {
        Some(other) if are_words => quote!({ reader.unread_last_word(#of); Ok(#other) }),
        Some(other) => quote!({ reader.skip()?; Ok(#other) }),
        None => quote!(Err(reader.unknown())),
    };
    let index = if are_words { quote!(reader.word_of(#names)?) } else { quote!(index) };
    let choice = quote! {
        match #index {
            #(#arms)*
            _ => #unknown,
        }
    };
    if are_words {
        return Ok(choice);
    }
    Ok(quote! {
        let mut value = None;
        reader.variant(#names, &mut |reader, index| {
            value = Some((|| -> Result<Self, crate::json::read::Failed> { #choice })()?);
            Ok(())
        })?;
        // It fails where the closure was not called.
        value.ok_or(crate::json::read::Failed)
    })
}

/// The conversion of a word into an enum of words: `From<&str>` where one variant is for every other word, else
/// `FromStr`.
pub(crate) fn from_words(name: &Ident, data: &DataEnum, container: &Container) -> syn::Result<TokenStream> {
    let mut arms = Vec::new();
    let mut other = None;
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Ok(TokenStream::new());
        }
        let part = Part::of(&variant.attrs)?;
        let ident = &variant.ident;
        if part.is_other {
            other = Some(quote!(Self::#ident));
        } else if !part.is_skipped {
            let words = part.names(container.names.of_variant(ident));
            arms.push(quote!(#(#words)|* => Self::#ident,));
        }
    }
    Ok(if let Some(other) = other {
        quote! {
            impl From<&str> for #name {
                /// The value of this word of the wire.
                fn from(word: &str) -> Self {
                    match word {
                        #(#arms)*
                        _ => #other,
                    }
                }
            }
        }
    } else {
        quote! {
            impl core::str::FromStr for #name {
                type Err = crate::UnknownWord;

                /// The value of this word of the wire.
                fn from_str(word: &str) -> Result<Self, Self::Err> {
                    Ok(match word {
                        #(#arms)*
                        _ => return Err(crate::UnknownWord),
                    })
                }
            }
        }
    })
}
