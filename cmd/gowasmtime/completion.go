package main

import (
	"fmt"
	"io"
	"strings"
)

// shells are those for which there is a completion, and what writes it.
func shells() map[string]func(*strings.Builder) {
	return map[string]func(*strings.Builder){"bash": completeBash, "zsh": completeZsh, "fish": completeFish}
}

// printCompletion does completion: it writes a script for the shell, which is made from the tables of options.
func printCompletion(s *settings, stdout, _ io.Writer) error {
	complete := shells()[s.operands[0]]
	if complete == nil {
		return usageErrorf("there is a completion for bash, zsh and fish, not for '%s'", s.operands[0])
	}
	var b strings.Builder
	complete(&b)
	_, err := io.WriteString(stdout, b.String())
	return err
}

// words are what may be written for a command, but for operands; the names of all commands come first for the one
// without a name.
func (c *command) words() (words []string) {
	if c.name == "" {
		for _, other := range commands()[1:] {
			words = append(words, other.name)
		}
		words = append(words, "help")
	}
	for _, o := range c.options() {
		if o.missing {
			continue
		}
		words = append(words, "--"+o.long)
		if o.short != "" {
			words = append(words, "-"+o.short)
		}
	}
	return words
}

// words are the keys of a group that have an effect, with an equals sign after those that need a value.
func (g group) words() (words []string) {
	for _, k := range g.keys {
		switch {
		case k.does != works:
		case k.prefix:
			words = append(words, k.name+"-")
		case strings.HasPrefix(k.form, "["):
			words = append(words, k.name)
		default:
			words = append(words, k.name+"=")
		}
	}
	return append(words, "help")
}

// writeCases writes the parts of a case statement that bash and zsh have in common: which words there are after each
// command, and after each group's option.
func writeCases(b *strings.Builder, command, previous, set string) {
	fmt.Fprintf(b, "    case %s in\n", command)
	for _, c := range append(commands()[1:], commands()[0]) {
		name := c.name
		if name == "" {
			name = "*"
		}
		fmt.Fprintf(b, "    %s) "+set+" ;;\n", name, strings.Join(c.words(), " "))
	}
	fmt.Fprintf(b, "    esac\n    case %s in\n", previous)
	for _, g := range groups() {
		fmt.Fprintf(b, "    -%s | --%s) "+set+" ;;\n", g.short, g.long, strings.Join(g.words(), " "))
	}
	fmt.Fprintf(b, "    completion) "+set+" ;;\n    esac\n", "bash zsh fish")
}

// completeBash writes the script for bash.
func completeBash(b *strings.Builder) {
	b.WriteString("# Completion of gowasmtime for bash: source <(gowasmtime completion bash)\n_gowasmtime() {\n    local list\n")
	writeCases(b, `"${COMP_WORDS[1]}"`, `"${COMP_WORDS[COMP_CWORD - 1]}"`, `list="%s"`)
	b.WriteString(`    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
        [[ $word != *[=-] ]] || compopt -o nospace
    done < <(compgen -W "$list" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _gowasmtime gowasmtime
`)
}

// completeZsh writes the script for zsh.
func completeZsh(b *strings.Builder) {
	b.WriteString("#compdef gowasmtime\n# Completion of gowasmtime for zsh: source <(gowasmtime completion zsh)\n_gowasmtime() {\n    local -a list\n")
	writeCases(b, `"${words[2]}"`, `"${words[CURRENT - 1]}"`, "list=(%s)")
	b.WriteString(`    compadd -S '' -- ${(M)list:#*[=-]}
    compadd -- ${list:#*[=-]}
    _files
}
compdef _gowasmtime gowasmtime
`)
}

// completeFish writes the script for fish.
func completeFish(b *strings.Builder) {
	b.WriteString("# Completion of gowasmtime for fish: gowasmtime completion fish | source\n")
	quote := func(text string) string {
		return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
	}
	line := func(condition, rest, help string) {
		fmt.Fprintf(b, "complete -c gowasmtime -n %s %s -d %s\n", quote(condition), rest, quote(help))
	}
	for _, c := range commands() {
		when := "__fish_seen_subcommand_from " + c.name
		if c.name == "" {
			when = "__fish_use_subcommand"
			for _, other := range commands()[1:] {
				line(when, "-a "+other.name, other.help)
			}
			line(when, "-a help", "Show the help of a command")
		}
		for _, o := range c.options() {
			if o.missing {
				continue
			}
			names := "-l " + o.long
			if o.short != "" {
				names += " -s " + o.short
			}
			if o.value != "" {
				names += " -r"
			}
			line(when, names, o.help)
		}
	}
	for _, g := range groups() {
		when := fmt.Sprintf("string match -qr -- '^(-%s|--%s)$' (commandline -opc)[-1]", g.short, g.long)
		fmt.Fprintf(b, "complete -c gowasmtime -n %s -a %s\n", quote(when), quote(strings.Join(g.words(), " ")))
	}
	line("__fish_seen_subcommand_from completion", "-f -a 'bash zsh fish'", "The shell")
}
