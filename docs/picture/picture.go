package main

// The size of the picture, and where its columns and rows are.
const (
	width, height = 960, 690
	middle        = 270 // the left edge of module, instance and descriptors
	middleWidth   = 290
	right         = 690 // the left edge of what is the host's
	rightWidth    = 250
	firstRow      = 330
	rowHeight     = 36
)

// ownership says who closes what is behind a descriptor. It is a class of lines; with "Text" behind it, of texts.
type ownership string

const (
	duplicated ownership = "copy"
	givenAway  ownership = "given"
	staysYours ownership = "kept"
)

var ownerships = []struct {
	ownership
	name, meaning string
}{
	{duplicated, "duplicated", "Each side closes its own. A file's position is shared."},
	{givenAway, "given away", "Go serves it, and closes it together with the guest's descriptor."},
	{staysYours, "stays yours", "Go calls it when the guest asks for something. It is never closed."},
}

// descriptors are rows of a guest's table, each with what is behind it on the host's side, and the method that put it
// there.
var descriptors = []struct {
	guest, host, method string
	ownership
}{
	{"0  standard input", "io.Reader", "SetStdin", staysYours},
	{"1  standard output", "io.Writer", "SetStdout", staysYours},
	{"3  a file", "*os.File", "PushFile", duplicated},
	{"4  a directory", "*os.File", "PushDir", duplicated},
	{"5  a directory that Go serves", "fs.FS", "PushFS", staysYours},
	{"6  a socket", "*net.TCPConn", "PushConn", duplicated},
	{"7  a socket that Go serves", "*tls.Conn", "PushConn", givenAway},
}

// picture returns the whole picture.
func picture() string {
	var c canvas
	c.rect("card", 1, 1, width-2, height-2)
	c.program()
	c.store()
	c.host()
	c.legend()
	return c.document(width, height, "Engine, module, linker, store, instance, and who owns what a descriptor stands for")
}

// program draws what one program has for all its guests.
func (c *canvas) program() {
	c.box("shared", 20, 20, 170, 84, "Engine", "configuration, compiler,", "pool of memory")
	c.arrow("line", 190, 62, middle, 62)
	c.text("note", 203, 54, "compiles")
	c.box("shared", middle, 20, middleWidth, 84, "Module", "compiled code, for any number of stores", "and goroutines")
	c.box("shared", right, 20, rightWidth, 84, "Linker", "what modules import:", "WASI, Go functions, other instances")
}

// store draws a store with an instance and its descriptors.
func (c *canvas) store() {
	c.box("store", 20, 140, 560, 452, "Store",
		"one guest, or one request", "one goroutine at a time", "Close frees all that is in it")
	c.arrow("line", middle+middleWidth/2, 104, middle+middleWidth/2, 164)
	c.text("note", middle+middleWidth/2+10, 132, "is instantiated")
	c.box("inner", middle, 164, middleWidth, 84, "Instance",
		"functions, memories, tables, globals;", "there can be several in a store")
	c.link("line", right+rightWidth/2, 104, right+rightWidth/2, 206)
	c.arrow("line", right+rightWidth/2, 206, middle+middleWidth, 206)
	c.text("note", right-60, 198, "imports")
	c.arrow("line", middle+middleWidth/2, 248, middle+middleWidth/2, 290)
	c.text("note", middle+middleWidth/2+10, 276, "WASI calls, by number")
	c.box("inner", middle, 290, middleWidth, firstRow-290+rowHeight*len(descriptors)-4, "Descriptors")
	for i, d := range descriptors {
		c.text("", middle+14, firstRow+rowHeight*i+17, d.guest)
	}
}

// host draws what the Go program has open, and how the guest's descriptors belong to it.
func (c *canvas) host() {
	c.text("title", right, 312, "What your program has open")
	for i, d := range descriptors {
		y := firstRow + rowHeight*i
		c.link(string(d.ownership), middle+middleWidth, y+12, right, y+12)
		c.rect("host", right, y-2, rightWidth, 28)
		c.text("mono", right+14, y+16, d.host)
		c.text("mono", right+160, y+16, d.method)
	}
}

// legend says what the kinds of lines mean.
func (c *canvas) legend() {
	for i, o := range ownerships {
		y := 622 + 22*i
		c.link(string(o.ownership), 24, y-4, 74, y-4)
		c.text(string(o.ownership)+"Text", 86, y, o.name)
		c.text("", 180, y, o.meaning)
	}
}
