package spill

// What the tests look at.
var (
	OnDisk   = onDisk
	InMemory = inMemory
)
