package upstream

import (
	"fmt"
	"net/http"
	"strconv"
)

// hopHeader counts, on every request to an API, how many calls of Fairlead one
// led to the other. A document whose API is its own server, or that of another
// process which calls back, would else call itself until all connections are used up.
const hopHeader = "Fairlead-Hops"

// MaxHops is how many calls may lead one to the next.
const MaxHops = 4

// hopValues are the values of the header; shared, not to be changed.
var hopValues = [MaxHops + 1][]string{1: {"1"}, 2: {"2"}, 3: {"3"}, 4: {"4"}}

// Hops is how many calls of Fairlead led to a request that has the header h.
// A count that cannot be read is the largest: nothing is called for it.
func Hops(h http.Header) int {
	given := h[hopHeader]
	if len(given) == 0 {
		return 0
	}
	n, err := strconv.Atoi(given[0])
	if err != nil || n < 0 || n > MaxHops {
		return MaxHops
	}
	return n
}

// LoopError says that too many calls of Fairlead led one to the next.
type LoopError struct{}

func (*LoopError) Error() string {
	return fmt.Sprintf("%d calls of Fairlead led one to the next: the API is served by Fairlead itself", MaxHops)
}

// counted writes the hop count into requests, and ends loops.
func counted(_ *Client, next sender) sender {
	return func(o *Outbound) (*http.Response, error) {
		if o.Hops >= MaxHops {
			return nil, &LoopError{}
		}
		o.Request.Header[hopHeader] = hopValues[o.Hops+1]
		return next(o)
	}
}
