//go:build unix

package telemetry

import "syscall"

// Disk returns how many bytes of the disk that holds a folder are free for this process, and how many there are; false where that is unknown.
func Disk(dir string) (free, total int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, false
	}
	size := int64(s.Bsize) //nolint:unconvert // the type differs between systems
	return int64(s.Bavail) * size, int64(s.Blocks) * size, true
}
