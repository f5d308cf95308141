//go:build !unix

package telemetry

// Disk reports that the free space of disks is unknown on this system.
func Disk(string) (free, total int64, ok bool) { return 0, 0, false }
