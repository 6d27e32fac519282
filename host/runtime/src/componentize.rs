use wit_component::ComponentEncoder;

/// Makes a component of a core module whose bindings carry their WIT, as `wit-bindgen` leaves it.
///
/// *Errors*: why the module is not one: its imports or exports do not fit the world that it names.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>, String> {
    let encode = || ComponentEncoder::default().validate(true).module(module)?.encode();
    encode().map_err(|error| format!("{error:#}"))
}
