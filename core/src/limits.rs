//! How limits are declared.

/// Declares limits that can grow: each has a method of its name, which sets it and has its docs.
macro_rules! limits {
    (
        $(#[$meta:meta])*
        pub struct $name:ident { $($(#[$doc:meta])* pub $limit:ident: $type:ty,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$doc])* pub $limit: $type,)+
        }

        impl $name {
            $(
                $(#[$doc])*
                #[must_use]
                pub const fn $limit(mut self, $limit: $type) -> Self {
                    self.$limit = $limit;
                    self
                }
            )+
        }
    };
}
pub(crate) use limits;
