package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// helpRequest asks for a text instead of the command. Without one, it is the command's help.
type helpRequest struct{ text string }

// Error returns what the request is.
func (*helpRequest) Error() string { return "a request for help" }

// failedCommand prints the help that was asked for; any other error stays, with a hint where more is said.
func failedCommand(c *command, stdout io.Writer, err error) error {
	var wanted *helpRequest
	var wrong *usageError
	switch {
	case errors.As(err, &wanted):
		text := wanted.text
		if text == "" {
			text = c.usage()
		}
		_, err = io.WriteString(stdout, text)
	case errors.As(err, &wrong):
		return usageErrorf("%s (%s --help lists the options)", wrong.text, c.title())
	}
	return err
}

// usage is the command's help: a line for each option.
func (c *command) usage() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\n\nUsage: %s\n", c.help, strings.Join(strings.Fields(c.title()+" [OPTIONS] "+c.operands), " "))
	if c.name == "" {
		b.WriteString("       gowasmtime COMMAND [OPTIONS] ...\n\nCommands:\n")
		var rows [][2]string
		for _, other := range commands()[1:] {
			rows = append(rows, [2]string{other.name, other.help})
		}
		rows = append(rows, [2]string{"help [COMMAND]", "Show the help of a command"})
		writeRows(&b, rows)
	}
	if c.explained != "" {
		fmt.Fprintf(&b, "\n%s\n", c.explained)
	}
	b.WriteString("\nOptions:\n")
	writeRows(&b, c.rows())
	if c.trailing {
		b.WriteString("\nThe exit status is the guest's; 134 after a trap, 1 after another error, 2 after a wrong option.\n")
	}
	return b.String()
}

// rows are the lines of the help for the command's options: how one is written, and what it does.
func (c *command) rows() (rows [][2]string) {
	for _, o := range c.options() {
		left := "    --" + o.long
		if o.short != "" {
			left = "-" + o.short + ", --" + o.long
		}
		if o.value != "" {
			left += " " + o.value
		}
		help := o.help
		if o.repeats {
			help += "; repeatable"
		}
		rows = append(rows, [2]string{left, help})
	}
	return rows
}

// listing is what -W help and the like show: a line for each key that works, then the names of the others.
func (g group) listing() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: -%s KEY[=VAL[,...]] or --%s KEY[=VAL[,...]]\n", g.help, g.short, g.long)
	var rows [][2]string
	for _, k := range g.keys {
		if k.does != works {
			continue
		}
		name := k.name
		if k.prefix {
			name += "-KEY"
		}
		rows = append(rows, [2]string{"-" + g.short + " " + name + k.form, k.help})
	}
	if rows != nil {
		b.WriteString("\n")
		writeRows(&b, rows)
	}
	g.others(&b, ignored, "Accepted without effect, because they are about what is not here")
	g.others(&b, missing, "Keys of wasmtime that are refused here, unless they ask for what is so anyway")
	return b.String()
}

// others lists the names of the keys that do something else than work.
func (g group) others(b *strings.Builder, kind does, title string) {
	var rows [][2]string
	for _, k := range g.keys {
		if k.does == kind {
			rows = append(rows, [2]string{k.name})
		}
	}
	if rows != nil {
		fmt.Fprintf(b, "\n%s:\n", title)
		writeRows(b, rows)
	}
}

// writeRows writes two columns.
func writeRows(b *strings.Builder, rows [][2]string) {
	width := 0
	for _, row := range rows {
		width = max(width, len(row[0]))
	}
	for _, row := range rows {
		fmt.Fprintf(b, "  %s\n", strings.TrimRight(fmt.Sprintf("%-*s  %s", width, row[0], row[1]), " "))
	}
}
