// Command kernel is the Go guest of the benchmarks: a reactor that exports one function, and a module of about four
// megabytes, as usual Go programs are, to compile and to load.
//
// Build it with GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"regexp"
	"sort"
	"strings"
)

type order struct {
	ID       int               `json:"id"`
	Customer string            `json:"customer"`
	Lines    []line            `json:"lines"`
	Labels   map[string]string `json:"labels"`
}

type line struct {
	Item  string  `json:"item"`
	Count int     `json:"count"`
	Price float64 `json:"price"`
}

var numbered = regexp.MustCompile(`[a-z]+-(\d+)`)

// run makes n rounds over a small set of orders: JSON both ways, maps, regular expressions, sorting, formatting. What
// a Go program in a guest spends its time on: allocation and collection, interfaces, strings.
//
//go:wasmexport kernel
func run(n int32) int64 {
	sum := fnv.New64a()
	for round := range int(n) {
		orders := make([]order, 20)
		for i := range orders {
			o := &orders[i]
			o.ID = round*100 + (i*7)%20
			o.Customer = fmt.Sprintf("customer-%d", o.ID%13)
			o.Labels = map[string]string{"region": strings.Repeat("x", i%5), "kind": "order"}
			for j := range 1 + i%4 {
				o.Lines = append(o.Lines, line{fmt.Sprintf("item-%d", j*i), j + 1, float64(j*i) * 1.25})
			}
		}
		data, err := json.Marshal(orders)
		if err != nil {
			return -1
		}
		var back []order
		if err := json.Unmarshal(data, &back); err != nil {
			return -2
		}
		sort.Slice(back, func(i, j int) bool { return back[i].ID < back[j].ID })
		var out bytes.Buffer
		for _, o := range back {
			fmt.Fprintf(&out, "%d %s:", o.ID, o.Customer)
			for _, l := range o.Lines {
				fmt.Fprintf(&out, " %dx%s at %.2f", l.Count, l.Item, l.Price)
			}
			out.WriteByte('\n')
		}
		for _, m := range numbered.FindAllStringSubmatch(out.String(), -1) {
			sum.Write([]byte(m[1]))
		}
		sum.Write(out.Bytes())
	}
	return int64(sum.Sum64())
}

func main() {}
