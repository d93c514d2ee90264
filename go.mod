module github.com/gowasmtime/wasmtime

go 1.26

// Cargo works in there, and makes and removes folders while it does.
ignore ./rust

require github.com/BurntSushi/toml v1.6.0
