//! Diesel's view of a tenant's schema. Names stay unqualified: the search path says whose. A test compares these
//! tables with the database's catalogue.

pub(crate) mod tenant;
