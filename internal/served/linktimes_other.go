//go:build !linux

package served

import "time"

// setLinkTimes says that an os.Root has no method for that.
func setLinkTimes(_ rootOpener, name string, _, _ time.Time) error {
	return unsupported("lchtimes", name)
}
