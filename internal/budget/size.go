package budget

import "fmt"

// Unit is one in which people give a number of bytes and are told one.
type Unit struct {
	Name  string
	Bytes int64
}

// Units are those of more than a byte, largest first.
func Units() []Unit { return []Unit{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} }

// SizeText tells a number of bytes in the largest unit that gives a whole number:
// “10 MiB”, “1500 bytes”.
func SizeText(n int64) string {
	for _, u := range Units() {
		if n >= u.Bytes && n%u.Bytes == 0 {
			return fmt.Sprintf("%d %s", n/u.Bytes, u.Name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
