//! A fleet whose members come from a hub that is listed and watched, over the embedded API server.

mod away;
mod objects;
mod scene;
