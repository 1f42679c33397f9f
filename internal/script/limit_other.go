//go:build !linux

package script

// limit has no help from the kernel.
func limit(bytes int64) error {
	go watch(mapped() + uint64(bytes))
	return nil
}
