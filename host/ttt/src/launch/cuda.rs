//! Graphics processors by their driver.
