// Package clip makes texts fit for whoever gets them: no longer than they may be, and UTF-8.
package clip

import (
	"strings"
	"unicode/utf8"
)

// Text is a text of at most so many bytes, cut between two characters, and how many bytes were left out. What is not
// UTF-8 is replaced; the rest is kept as it is.
func Text(text string, most int) (clipped string, omitted int) {
	whole := len(text)
	if whole > most {
		end := max(most, 0)
		for end > 0 && most-end < utf8.UTFMax-1 && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	omitted = whole - len(text)
	if utf8.ValidString(text) {
		return text, omitted
	}
	// One byte for each run of bytes that are no character: so it does not become longer.
	return strings.ToValidUTF8(text, "?"), omitted
}

// longestError is how many bytes of an error's text a guest gets.
const longestError = 4096

// Error is the text of an error for a guest: it is one, and not longer than anybody reads.
func Error(err error) string {
	text, _ := Text(err.Error(), longestError)
	return text
}
