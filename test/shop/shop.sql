-- The schema and the rows of the demo's shop. @orders is set by the caller;
-- all else follows from it. Values are arithmetic on row numbers, so that each
-- run makes the same rows.
CREATE DATABASE shop CHARACTER SET utf8mb4;
USE shop;

CREATE TABLE customers (
  id         INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  email      VARCHAR(120) NOT NULL,
  name       VARCHAR(80)  NOT NULL,
  country    CHAR(2)      NOT NULL,
  prefs      JSON,
  created_at TIMESTAMP    NOT NULL DEFAULT CURRENT_TIMESTAMP,
  UNIQUE KEY email (email),
  KEY country (country, created_at)
) COMMENT 'Who buys';

CREATE TABLE products (
  id          INT UNSIGNED  NOT NULL AUTO_INCREMENT PRIMARY KEY,
  sku         CHAR(10)      NOT NULL,
  title       VARCHAR(100)  NOT NULL,
  description TEXT,
  price       DECIMAL(10,2) NOT NULL,
  price_gross DECIMAL(10,2) GENERATED ALWAYS AS (ROUND(price * 1.19, 2)) STORED,
  UNIQUE KEY sku (sku),
  FULLTEXT KEY words (title, description)
);

CREATE TABLE orders (
  id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  customer_id INT UNSIGNED    NOT NULL,
  state       ENUM('new','paid','sent','returned') NOT NULL DEFAULT 'new',
  note        VARCHAR(200),
  ordered_at  DATETIME(3)     NOT NULL,
  KEY customer (customer_id, ordered_at),
  KEY state (state),
  CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id)
);

CREATE TABLE order_items (
  order_id   BIGINT UNSIGNED   NOT NULL,
  position   TINYINT UNSIGNED  NOT NULL,
  product_id INT UNSIGNED      NOT NULL,
  quantity   SMALLINT UNSIGNED NOT NULL,
  price      DECIMAL(10,2)     NOT NULL,
  PRIMARY KEY (order_id, position),
  KEY product (product_id),
  CONSTRAINT items_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
  CONSTRAINT items_product FOREIGN KEY (product_id) REFERENCES products (id)
);

CREATE TABLE audit (
  id       BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  what     VARCHAR(60)     NOT NULL,
  order_id BIGINT UNSIGNED NOT NULL
);

SET SESSION cte_max_recursion_depth = 10000000;

INSERT INTO customers (email, name, country, prefs, created_at)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @orders DIV 4)
SELECT CONCAT('customer', i, '@example.com'),
       CONCAT(ELT(1 + i % 7, 'Ada', 'Björn', 'Chloé', 'Daiki 大輝', 'Ève', 'Farid', 'O''Neil'), ' ', i),
       ELT(1 + FLOOR(SQRT(i % 25)), 'SE', 'FR', 'US', 'JP', 'DE'),
       JSON_OBJECT('newsletter', i % 3 = 0, 'theme', ELT(1 + i % 2, 'dark', 'light')),
       TIMESTAMP('2024-01-01') + INTERVAL i * 37 MINUTE
FROM n;

INSERT INTO products (sku, title, description, price)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
SELECT CONCAT('SKU-', LPAD(i, 6, '0')),
       CONCAT(ELT(1 + i % 4, 'Small', 'Large', 'Fine', 'Old'), ' ', ELT(1 + i % 5, 'teapot', 'lamp', 'chair', 'clock', 'vase'), ' ', i),
       REPEAT('Made by hand; ships in two days.\n', 1 + i % 5),
       5 + (i * 7919) % 20000 / 100
FROM n;

INSERT INTO orders (customer_id, state, note, ordered_at)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @orders)
SELECT 1 + (i * 7919) % (@orders DIV 4),
       ELT(1 + i % 4, 'new', 'paid', 'sent', 'returned'),
       IF(i % 10 = 0, 'Leave it at the neighbour''s; "ring twice"', NULL),
       TIMESTAMP('2025-01-01') + INTERVAL i * 11 MINUTE
FROM n;

INSERT INTO order_items (order_id, position, product_id, quantity, price)
SELECT o.id, p.position, 1 + (o.id * 31 + p.position * 17) % 1000, 1 + (o.id + p.position) % 3, 5 + (o.id * 13) % 9000 / 100
FROM orders o JOIN (SELECT 1 AS position UNION ALL SELECT 2 UNION ALL SELECT 3) p;

CREATE VIEW revenue AS
SELECT c.country, COUNT(DISTINCT o.id) AS orders, SUM(i.quantity * i.price) AS revenue
FROM customers c JOIN orders o ON o.customer_id = c.id JOIN order_items i ON i.order_id = o.id
WHERE o.state <> 'returned' GROUP BY c.country;

CREATE TRIGGER order_changed AFTER UPDATE ON orders FOR EACH ROW
  INSERT INTO audit (what, order_id) VALUES (CONCAT(OLD.state, ' to ', NEW.state), NEW.id);

CREATE FUNCTION order_total(wanted BIGINT UNSIGNED) RETURNS DECIMAL(12,2) READS SQL DATA
  RETURN (SELECT SUM(quantity * price) FROM order_items WHERE order_id = wanted);
