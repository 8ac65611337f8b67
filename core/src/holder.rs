//! A place that a handle refers to: borrowed, or shared on the heap. One type of handle serves both.

use core::ops::Deref;

#[derive(Debug)]
pub(crate) enum Holder<'a, T> {
    Borrowed(&'a T),
    #[cfg(feature = "alloc")]
    Shared(alloc::sync::Arc<T>),
}

impl<T> Clone for Holder<'_, T> {
    fn clone(&self) -> Self {
        match self {
            Holder::Borrowed(place) => Holder::Borrowed(place),
            #[cfg(feature = "alloc")]
            Holder::Shared(place) => Holder::Shared(place.clone()),
        }
    }
}

impl<T> Deref for Holder<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Holder::Borrowed(place) => place,
            #[cfg(feature = "alloc")]
            Holder::Shared(place) => place,
        }
    }
}
