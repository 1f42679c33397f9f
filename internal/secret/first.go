package secret

import (
	"context"
	"errors"
)

// First returns the value of the first of refs that has one. It goes on to the
// next when a value is missing, and only then: while a provider cannot be read,
// nobody knows whether another value may take its place. Its error is that, or
// what is missing of the first.
func First(ctx context.Context, refs []Ref, get func(context.Context, Ref) (String, error)) (String, error) {
	var first error
	for _, ref := range refs {
		v, err := get(ctx, ref)
		if err == nil {
			return v, nil
		}
		if _, missing := errors.AsType[*MissingError](err); !missing {
			return String{}, err
		}
		if first == nil {
			first = err
		}
	}
	return String{}, first
}
