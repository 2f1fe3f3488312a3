//! Reading structs, and the contents of variants.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Fields, FieldsNamed, FieldsUnnamed, Ident};

use crate::attributes::{Absent, Container, Part};

/// The statements that read `constructor`'s fields and end in its value.
pub(crate) fn read(
    owner: &Ident,
    constructor: &TokenStream,
    fields: &Fields,
    container: &Container,
) -> syn::Result<TokenStream> {
    match fields {
        Fields::Named(fields) => members(owner, constructor, fields, container),
        Fields::Unnamed(fields) => element(constructor, fields),
        Fields::Unit => Ok(quote! { reader.nothing()?; Ok(#constructor) }),
    }
}

/// A struct of one field is that field's value.
fn element(constructor: &TokenStream, fields: &FieldsUnnamed) -> syn::Result<TokenStream> {
    if fields.unnamed.len() != 1 {
        return Err(syn::Error::new_spanned(fields, "`Read` knows no tuples of several fields"));
    }
    let value = Part::of(&fields.unnamed[0].attrs)?.value();
    Ok(quote!(Ok(#constructor(#value))))
}

fn members(
    owner: &Ident,
    constructor: &TokenStream,
    fields: &FieldsNamed,
    container: &Container,
) -> syn::Result<TokenStream> {
    let mut slots = Vec::new();
    let mut names = Vec::new();
    let mut arms = Vec::new();
    let mut flat = Vec::new();
    let mut values = Vec::new();
    let mut places = Vec::new();
    let mut are_plain = true;
    for field in &fields.named {
        let part = Part::of(&field.attrs)?;
        // The fields are named.
        let Some(ident) = &field.ident else { continue };
        let ty = &field.ty;
        if part.is_skipped {
            values.push(quote!(#ident: Default::default()));
            continue;
        }
        if part.is_flat {
            flat.push(quote!(let #ident: #ty = reader.again(start)?;));
            values.push(quote!(#ident));
            continue;
        }
        let slot = format_ident!("slot_{}", ident.to_string().trim_start_matches("r#"));
        slots.push(quote!(let mut #slot: Option<#ty> = None;));
        let own = part.names(container.names.of_field(ident));
        let indexes = names.len()..names.len() + own.len();
        are_plain &= own.len() == 1 && part.read_with.is_none();
        places.push(quote!(&mut #slot));
        let value = part.value();
        arms.push(quote!(#(#indexes)|* => #slot = Some(#value),));
        let absent = match &part.absent {
            Absent::Default => quote!(#slot.unwrap_or_default()),
            Absent::Call(path) => quote!(#slot.unwrap_or_else(#path)),
            Absent::ByType if container.has_default => quote!(#slot.unwrap_or_default()),
            Absent::ByType => {
                let name = &own[0];
                quote!(reader.required(#slot, #name)?)
            }
        };
        values.push(quote!(#ident: #absent));
        names.extend(own);
    }
    let owner = owner.to_string();
    let start = (!flat.is_empty()).then(|| quote!(let start = reader.position();));
    let names = quote!(const { &crate::json::read::Names::of(#owner, &[#(#names),*]) });
    // A table of places is less code than a closure, and most types need no more.
    let read = if are_plain {
        quote!(reader.fill(#names, &mut [#(#places),*])?;)
    } else {
        quote! {
            reader.object(#names, &mut |reader, index| {
                match index {
                    #(#arms)*
                    _ => {}
                }
                Ok(())
            })?;
        }
    };
    Ok(quote! {
        #start
        #(#slots)*
        #read
        #(#flat)*
        Ok(#constructor { #(#values),* })
    })
}
