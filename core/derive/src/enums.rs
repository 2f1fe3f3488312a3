//! Reading enums: by a word, or by an object of one member.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DataEnum, Fields};

use crate::attributes::{Container, Part};
use crate::structs;

pub(crate) fn read(data: &DataEnum, container: &Container) -> syn::Result<TokenStream> {
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
            let read = structs::read(&constructor, &variant.fields, &inner)?;
            quote!({ #read })
        };
        arms.push(quote!(#(#indexes)|* => #value,));
    }
    let names = quote!(&[#(#names),*]);
    let unknown = match other {
        Some(other) if are_words => quote!(Ok(#other)),
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
            value = Some((|| -> Result<Self, crate::read::Failed> { #choice })()?);
            Ok(())
        })?;
        // It fails where the closure was not called.
        value.ok_or(crate::read::Failed)
    })
}
