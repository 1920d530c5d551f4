//! Deliveries in Nettskjema's own shapes.

pub mod deliver;
