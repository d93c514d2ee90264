// Module packs the checkout as the Go module that users get, and checks it against the limits of the go command.
//
//	go run . -proxy DIR [-version v0.0.1] [-sum FILE]
//	go run . -compare
//
// With -proxy, the packed module goes to DIR, which then is a GOPROXY with this one module in it; its URL is what is
// printed on standard output. FILE gets the module's lines of go.sum. With -compare, a table of what users download
// when all archives are in one module, and when each has a module of its own.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	root := flag.String("root", "../..", "the checkout")
	version := flag.String("version", "v0.0.1", "the version of the packed module")
	proxy := flag.String("proxy", "", "write the packed module to this folder")
	sum := flag.String("sum", "", "write the lines of go.sum to this file")
	comparing := flag.Bool("compare", false, "measure what users download")
	flag.Parse()
	var err error
	switch {
	case flag.NArg() > 0 || *comparing == (*proxy != ""):
		flag.Usage()
		os.Exit(2)
	case *comparing:
		err = compare(os.Stdout, *root)
	default:
		err = serve(*root, *version, *proxy, *sum)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "module:", err)
		os.Exit(1)
	}
}

// serve packs a checkout into a proxy and says what came of it.
func serve(root, version, proxy, sum string) error {
	names, err := gitFiles(root)
	if err != nil {
		return err
	}
	proxy, err = filepath.Abs(proxy)
	if err != nil {
		return err
	}
	packed, err := pack(proxy, version, root, names)
	if err != nil {
		return err
	}
	if sum != "" {
		if err := writeSum(sum, packed); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "module: %s %s: %d files, %.1f MB, zip %.1f MB, %.0f %% of what the go command takes\n",
		packed.mod.Path, version, packed.files, mb(packed.raw), mb(packed.zip), packed.share())
	fmt.Println(proxyURL(proxy))
	return nil
}

func mb(bytes int64) float64 { return float64(bytes) / 1e6 }
