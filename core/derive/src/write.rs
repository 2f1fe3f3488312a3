//! Writing structs and enums, in serde's own form.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DataEnum, DeriveInput, Fields, Ident, Index};

use crate::attributes::{Case, Container, Part};

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let container = Container::of(&input.attrs)?;
    let name = &input.ident;
    let (parameters, arguments, conditions) = input.generics.split_for_impl();
    let (body, members) = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(_) => {
                let members = members(&data.fields, container.names, |ident| quote!(self.#ident))?;
                (quote!(crate::json::write::object(self, text);), Some(members))
            }
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                let only = Index::from(0);
                (quote!(crate::json::write::Write::write(&self.#only, text);), None)
            }
            fields => return Err(syn::Error::new_spanned(fields, "`Write` knows no tuples of several fields")),
        },
        Data::Enum(data) => (variants(data, &container)?, None),
        Data::Union(_) => return Err(syn::Error::new_spanned(input, "a union cannot be written")),
    };
    let members = members.map(|members| {
        quote! {
            impl #parameters crate::json::write::Members for #name #arguments #conditions {
                fn write_members(&self, text: &mut alloc::string::String) {
                    #members
                }
            }
        }
    });
    Ok(quote! {
        impl #parameters crate::json::write::Write for #name #arguments #conditions {
            fn write(&self, text: &mut alloc::string::String) {
                #body
            }
        }
        #members
    })
}

/// A text that begins a member after others; without its comma it is one that begins an object.
fn label(name: &str) -> String {
    format!(",\"{name}\":")
}

/// The statements that write a struct's members. Neighbours that need no question go into one table.
fn members(fields: &Fields, names: Case, place: impl Fn(&Ident) -> TokenStream) -> syn::Result<TokenStream> {
    let mut statements = Vec::new();
    let mut table = Vec::new();
    for field in fields {
        let part = Part::of(&field.attrs)?;
        // The fields are named.
        let Some(ident) = &field.ident else { continue };
        if !part.is_written {
            continue;
        }
        let place = place(ident);
        let label = label(&part.name(names.of_field(ident)));
        if !part.is_flat && part.write_with.is_none() && part.left_out_if.is_none() {
            table.push(quote!((#label, &#place)));
            continue;
        }
        flush(&mut table, &mut statements);
        let statement = if part.is_flat {
            quote!(crate::json::write::Members::write_members(&#place, text);)
        } else if let Some(path) = &part.write_with {
            quote!(crate::json::write::label(#label, text); #path(&#place, text);)
        } else {
            quote!(crate::json::write::members(&[(#label, &#place)], text);)
        };
        statements.push(match &part.left_out_if {
            Some(path) => quote!(if !#path(&#place) { #statement }),
            None => statement,
        });
    }
    flush(&mut table, &mut statements);
    Ok(quote!(#(#statements)*))
}

fn flush(table: &mut Vec<TokenStream>, statements: &mut Vec<TokenStream>) {
    if !table.is_empty() {
        statements.push(quote!(crate::json::write::members(&[#(#table),*], text);));
        table.clear();
    }
}

fn variants(data: &DataEnum, container: &Container) -> syn::Result<TokenStream> {
    let mut arms = Vec::new();
    for variant in &data.variants {
        let part = Part::of(&variant.attrs)?;
        let ident = &variant.ident;
        if part.is_skipped {
            // What is never written has no form.
            arms.push(quote!(Self::#ident { .. } => text.push_str("null"),));
            continue;
        }
        let name = part.name(container.names.of_variant(ident));
        let (pattern, content) = match &variant.fields {
            Fields::Unit => (quote!(), None),
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => (quote!((content)), Some(quote!(content))),
            Fields::Named(fields) => {
                let idents: Vec<_> = fields.named.iter().filter_map(|field| field.ident.as_ref()).collect();
                let bindings = idents.iter().map(|ident| format_ident!("member_{ident}"));
                (quote!({ #(#idents: #bindings),* }), None)
            }
            fields @ Fields::Unnamed(_) => {
                return Err(syn::Error::new_spanned(fields, "`Write` knows no tuples of several fields"));
            }
        };
        let inner = match &variant.fields {
            fields @ Fields::Named(_) => Some(members(fields, container.member_names, |ident| {
                let binding = format_ident!("member_{ident}");
                quote!((*#binding))
            })?),
            _ => None,
        };
        let body = shaped(container, &name, content.as_ref(), inner.as_ref());
        arms.push(quote!(Self::#ident #pattern => { #body }));
    }
    Ok(quote!(match self { #(#arms)* }))
}

/// The statements for a variant with one value as its content, with members, or with neither.
fn shaped(
    container: &Container,
    name: &str,
    content: Option<&TokenStream>,
    members: Option<&TokenStream>,
) -> TokenStream {
    let Some(tag) = &container.tag else {
        let (word, open, open_members) = (format!("\"{name}\""), format!("{{\"{name}\":"), format!("{{\"{name}\":{{"));
        return match (content, members) {
            (Some(content), _) => {
                quote!(text.push_str(#open); crate::json::write::Write::write(#content, text); text.push('}');)
            }
            (None, Some(members)) => quote!(text.push_str(#open_members); #members text.push_str("}}");),
            (None, None) => quote!(text.push_str(#word);),
        };
    };
    let open = format!("{{\"{tag}\":\"{name}\"");
    let rest = match (content, members, &container.content) {
        (Some(content), _, Some(name)) => {
            let label = label(name);
            quote!(text.push_str(#label); crate::json::write::Write::write(#content, text);)
        }
        (Some(content), _, None) => quote!(crate::json::write::Members::write_members(#content, text);),
        (None, Some(members), _) => members.clone(),
        (None, None, _) => quote!(),
    };
    quote!(text.push_str(#open); #rest text.push('}');)
}
