package wasi2_test

import (
	"testing"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
