//! Builds the emulator of kernels where tests ask for it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "emulator")]
    {
        println!("cargo::rerun-if-changed=kernels");
        cc::Build::new()
            .cpp(true)
            // Whoever carries a test's program elsewhere needs no C++ library there.
            .cpp_link_stdlib(None)
            .flag("-fno-exceptions")
            .flag("-fno-rtti")
            .std("c++17")
            .opt_level(2)
            .file("kernels/emulator.cpp")
            .compile("emulator");
    }
}
