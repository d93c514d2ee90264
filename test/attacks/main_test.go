package attacks_test

import (
	"testing"

	"github.com/gowasmtime/wasmtime/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
