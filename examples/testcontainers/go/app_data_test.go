package appdata

import (
	"context"
	"database/sql"
	"os"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// appData starts the baked database and gives its address.
func appData(t *testing.T) string {
	t.Helper()
	image := os.Getenv("APP_DATA")
	if image == "" {
		t.Skip("APP_DATA names no image, such as registry.example.com/team/app-data:latest")
	}
	c, err := testcontainers.Run(t.Context(), image,
		testcontainers.WithEnv(map[string]string{"MYSQL_ROOT_PASSWORD": "dev"}),
		testcontainers.WithExposedPorts("3306/tcp"),
		testcontainers.WithWaitStrategy(wait.ForExec([]string{"dbake-entrypoint", "healthcheck"})),
	)
	if c != nil {
		t.Cleanup(func() { _ = c.Terminate(context.Background()) })
	}
	if err != nil {
		t.Fatal(err)
	}
	address, err := c.PortEndpoint(t.Context(), "3306/tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func TestTablesAreThere(t *testing.T) {
	db, err := sql.Open("mysql", "root:dev@tcp("+appData(t)+")/")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var tables int
	const query = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')"
	if err := db.QueryRowContext(t.Context(), query).Scan(&tables); err != nil || tables == 0 {
		t.Errorf("%d tables, %v", tables, err)
	}
}
