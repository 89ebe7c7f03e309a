module example.com/appdata

go 1.25

require (
	github.com/go-sql-driver/mysql v1.10.1
	github.com/testcontainers/testcontainers-go v0.43.0
)
