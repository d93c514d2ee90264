// Package testsys is what tests have to know of the system that they run on.
package testsys

import (
	"errors"
	"io/fs"
	"os"
)

// NoSuchFile is what the system says of a file that is not there.
func NoSuchFile() string {
	_, err := os.Stat("there is no such file")
	var path *fs.PathError
	if !errors.As(err, &path) {
		return "no such file"
	}
	return path.Err.Error()
}
