//! Types that no image can hold, by what they are called: the error about one of them tells which
//! treatment fits it. A name alone is no mistake, as a type of the program's may be called so:
//! the traits that are asked for here are implemented by all that implement `Checkpoint`.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{
    GenericArgument, Path, PathArguments, PathSegment, Type, TypeParamBound, TypePath,
    TypeTraitObject, parse_quote_spanned,
};

/// The trait in `samestate::__private` that explains a type of this name.
const NAMES: &[(&str, &[&str])] = &[
    ("Clock", &["Instant"]),
    ("OpenFile", &["File", "OwnedFd", "BorrowedFd", "OwnedHandle", "BorrowedHandle"]),
    (
        "Socket",
        &["TcpStream", "TcpListener", "UdpSocket", "UnixStream", "UnixListener", "UnixDatagram"],
    ),
    ("Running", &["JoinHandle", "ScopedJoinHandle", "Thread", "ThreadId"]),
    ("Channel", &["Receiver", "Sender", "SyncSender", "UnboundedReceiver", "UnboundedSender"]),
    ("Guard", &["MutexGuard", "RwLockReadGuard", "RwLockWriteGuard", "Ref", "RefMut"]),
    ("Process", &["Child", "ChildStdin", "ChildStdout", "ChildStderr", "Command"]),
    ("Waiting", &["Condvar", "Barrier", "Once"]),
];

/// Containers that hold such types, and cannot be saved if what they hold cannot.
const CONTAINERS: &[&str] = &[
    "Arc", "BTreeMap", "Box", "Cell", "HashMap", "Mutex", "Option", "Rc", "RefCell", "RwLock",
    "Vec", "VecDeque",
];

/// The trait that explains a type, if it is one that no image can hold.
pub(crate) fn explained_by(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Reference(_) => Some("Borrowed"),
        Type::Group(group) => explained_by(&group.elem),
        Type::Paren(paren) => explained_by(&paren.elem),
        Type::Path(_) => {
            let last = last_segment(ty)?;
            if ["Arc", "Box", "Rc"].iter().any(|pointer| last.ident == pointer) {
                return arguments(last).find_map(|argument| match argument {
                    Type::TraitObject(object) => object_explained_by(object),
                    _ => None,
                });
            }
            let is_called = |names: &[&str]| names.iter().any(|name| last.ident == name);
            NAMES.iter().find_map(|(family, names)| is_called(names).then_some(*family))
        }
        _ => None,
    }
}

fn object_explained_by(object: &TypeTraitObject) -> Option<&'static str> {
    object.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let last = bound.path.segments.last()?;
        match &last.arguments {
            PathArguments::None if last.ident == "Any" => Some("Untyped"),
            PathArguments::Parenthesized(_) => Some("Closure"),
            _ => None,
        }
    })
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    let Type::Path(TypePath { qself: None, path, .. }) = ty else { return None };
    path.segments.last()
}

fn arguments(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    };
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn is_container(segment: &PathSegment) -> bool {
    CONTAINERS.iter().any(|name| segment.ident == name)
}

/// What a type and the trait are as which a field is saved.
pub(crate) struct Asked {
    pub(crate) ty: Type,
    /// `Checkpoint`, or a trait with the same functions.
    pub(crate) through: Path,
}

/// How `Checkpoint` is asked of the type of a field.
pub(crate) fn field(krate: &TokenStream, params: &BTreeSet<Ident>, ty: &Type) -> Asked {
    let family = explained_by(ty).filter(|_| !mentions(params, ty));
    let Some(family) = family else {
        return Asked {
            ty: asked(krate, params, ty),
            through: parse_quote_spanned!(Span::mixed_site()=> #krate::Checkpoint),
        };
    };
    let family = Ident::new(family, Span::mixed_site());
    let through = parse_quote_spanned! {Span::mixed_site()=>
        #krate::__private::asked::#family
    };
    Asked { ty: ty.clone(), through }
}

/// The same type, where each part that may be explained is asked of the trait that explains it.
///
/// What mentions a parameter is asked by a bound instead, where it is known what the parameter is.
fn asked(krate: &TokenStream, params: &BTreeSet<Ident>, ty: &Type) -> Type {
    if let Some(family) = explained_by(ty) {
        if mentions(params, ty) {
            return ty.clone();
        }
        let family = Ident::new(family, Span::mixed_site());
        let at = Span::mixed_site().located_at(ty.span());
        return parse_quote_spanned!(at=> <#ty as #krate::__private::asked::#family>::Field);
    }
    let mut asked_type = ty.clone();
    match &mut asked_type {
        Type::Group(group) => *group.elem = asked(krate, params, &group.elem),
        Type::Paren(paren) => *paren.elem = asked(krate, params, &paren.elem),
        Type::Array(array) => *array.elem = asked(krate, params, &array.elem),
        Type::Tuple(tuple) => {
            tuple.elems.iter_mut().for_each(|elem| *elem = asked(krate, params, elem));
        }
        Type::Path(TypePath { qself: None, path, .. }) => {
            let last = path.segments.last_mut().filter(|last| is_container(last));
            let Some(PathArguments::AngleBracketed(arguments)) =
                last.map(|last| &mut last.arguments)
            else {
                return asked_type;
            };
            for argument in &mut arguments.args {
                if let GenericArgument::Type(ty) = argument {
                    *ty = asked(krate, params, ty);
                }
            }
        }
        _ => {}
    }
    asked_type
}

/// The pointers in a type for which nobody can implement `Checkpoint`.
pub(crate) fn addresses(ty: &Type) -> Vec<&Type> {
    match ty {
        Type::Ptr(_) | Type::FnPtr(_) => vec![ty],
        Type::Group(group) => addresses(&group.elem),
        Type::Paren(paren) => addresses(&paren.elem),
        Type::Array(array) => addresses(&array.elem),
        Type::Tuple(tuple) => tuple.elems.iter().flat_map(addresses).collect(),
        Type::Path(_) => {
            let container = last_segment(ty).filter(|last| is_container(last));
            container.into_iter().flat_map(arguments).flat_map(addresses).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a type mentions one of the parameters.
fn mentions(params: &BTreeSet<Ident>, ty: &Type) -> bool {
    struct Mentions<'a> {
        params: &'a BTreeSet<Ident>,
        found: bool,
    }
    impl<'ast> Visit<'ast> for Mentions<'_> {
        fn visit_path(&mut self, path: &'ast Path) {
            let first = path.segments.first();
            self.found |= first.is_some_and(|first| self.params.contains(&first.ident));
            visit::visit_path(self, path);
        }
    }
    let mut mentions = Mentions { params, found: false };
    mentions.visit_type(ty);
    mentions.found
}
