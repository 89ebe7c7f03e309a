import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import org.junit.jupiter.api.Test;
import org.testcontainers.containers.MySQLContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.junit.jupiter.Container;
import org.testcontainers.junit.jupiter.Testcontainers;
import org.testcontainers.utility.DockerImageName;

@Testcontainers
class AppDataTest {
  private static final DockerImageName IMAGE =
      DockerImageName.parse("registry.example.com/team/app-data:latest")
          .asCompatibleSubstituteFor("mysql");

  @Container
  static final MySQLContainer<?> db =
      new MySQLContainer<>(IMAGE)
          .withDatabaseName("shop")
          .withUsername("root")
          .withPassword("dev");

  // A container of no special kind waits for the image's own health check.
  //
  //   new GenericContainer<>(IMAGE)
  //       .withExposedPorts(3306)
  //       .withEnv("MYSQL_ROOT_PASSWORD", "dev")
  //       .waitingFor(Wait.forSuccessfulCommand("dbake-entrypoint healthcheck"));
  static {
    db.waitingFor(Wait.forSuccessfulCommand("dbake-entrypoint healthcheck"));
  }

  @Test
  void tablesAreThere() throws Exception {
    try (Connection c =
            DriverManager.getConnection(db.getJdbcUrl(), db.getUsername(), db.getPassword());
        ResultSet r =
            c.createStatement()
                .executeQuery(
                    "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'shop'")) {
      assertTrue(r.next() && r.getInt(1) > 0);
    }
  }
}
