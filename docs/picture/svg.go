package main

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// canvas collects the elements of a picture.
type canvas struct{ strings.Builder }

// style is the look of every class of elements: first on a light background, then what differs on a dark one. Viewers
// that do not know the reader's choice show the first.
const style = `
text { font-family: -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 13px; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.note { font-size: 12px; fill: #59636e }
.mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 12px }
.card { fill: #ffffff; stroke: #d1d9e0 }
.shared { fill: #ddf4ff; stroke: #54aeff }
.store { fill: #fff8c5; stroke: #d4a72c }
.inner { fill: #ffffff; stroke: #d4a72c }
.host { fill: #f6f8fa; stroke: #818b98 }
.line { fill: none; stroke: #59636e; stroke-width: 1.5 }
.head { fill: #59636e }
.copy { fill: none; stroke: #1a7f37; stroke-width: 2 }
.given { fill: none; stroke: #cf222e; stroke-width: 2 }
.kept { fill: none; stroke: #8250df; stroke-width: 2; stroke-dasharray: 6 4 }
.copyText { fill: #1a7f37; font-weight: 600 }
.givenText { fill: #cf222e; font-weight: 600 }
.keptText { fill: #8250df; font-weight: 600 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.note { fill: #9198a1 }
.card { fill: #0d1117; stroke: #3d444d }
.shared { fill: #0c2d4d; stroke: #1f6feb }
.store { fill: #2f2708; stroke: #9e6a03 }
.inner { fill: #161b22; stroke: #9e6a03 }
.host { fill: #212830; stroke: #656c76 }
.line { stroke: #9198a1 }
.head { fill: #9198a1 }
.copy { stroke: #3fb950 }
.given { stroke: #f85149 }
.kept { stroke: #ab7df8 }
.copyText { fill: #3fb950 }
.givenText { fill: #f85149 }
.keptText { fill: #ab7df8 }
}
`

// document returns all that was drawn as a picture of that size, with a text for those who do not see it.
func (c *canvas) document(width, height int, title string) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d">
<title>%s</title>
<style>%s</style>
%s</svg>
`, width, height, escape(title), style, c.String())
}

// rect draws a box with rounded corners.
func (c *canvas) rect(class string, x, y, width, height int) {
	fmt.Fprintf(c, `<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="8"/>`+"\n", class, x, y, width, height)
}

// text writes a line; y is that of its base line.
func (c *canvas) text(class string, x, y int, text string) {
	fmt.Fprintf(c, `<text class="%s" x="%d" y="%d">%s</text>`+"\n", class, x, y, escape(text))
}

// box draws a box with a title and lines of notes below that.
func (c *canvas) box(class string, x, y, width, height int, title string, notes ...string) {
	c.rect(class, x, y, width, height)
	c.text("title", x+14, y+25, title)
	for i, note := range notes {
		c.text("note", x+14, y+45+17*i, note)
	}
}

// arrow draws a line from one point to another, level or upright, with a head at its end.
func (c *canvas) arrow(class string, x1, y1, x2, y2 int) {
	fmt.Fprintf(c, `<path class="%s" d="M%d %dL%d %d"/>`+"\n", class, x1, y1, x2, y2)
	// The unit vector of the arrow, one of whose parts is 0.
	dx, dy := sign(x2-x1), sign(y2-y1)
	fmt.Fprintf(c, `<path class="head" d="M%d %dL%d %dL%d %dZ"/>`+"\n",
		x2, y2, x2-9*dx-5*dy, y2-9*dy-5*dx, x2-9*dx+5*dy, y2-9*dy+5*dx)
}

// link draws a plain line between two points.
func (c *canvas) link(class string, x1, y1, x2, y2 int) {
	fmt.Fprintf(c, `<path class="%s" d="M%d %dL%d %d"/>`+"\n", class, x1, y1, x2, y2)
}

func sign(n int) int {
	switch {
	case n > 0:
		return 1
	case n < 0:
		return -1
	}
	return 0
}

func escape(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		panic(err) // a Builder takes everything
	}
	return b.String()
}
