// Picture draws docs/objects.svg: which object holds which, and who owns what a guest's descriptor stands for. The
// picture is the same whenever it is drawn.
//
//	go generate ./docs/picture
package main

import (
	"flag"
	"log"
	"os"
)

//go:generate go run . -o ../objects.svg

func main() {
	out := flag.String("o", "", "the file to write; standard output if it is empty")
	flag.Parse()
	if *out == "" {
		if _, err := os.Stdout.WriteString(picture()); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(*out, []byte(picture()), 0o644); err != nil {
		log.Fatal(err)
	}
}
