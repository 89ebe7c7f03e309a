-- The benchmark's database: what a shop with an activity log has. Rows follow
-- in dataset.go; keys are in keys.sql, so that the server is filled quickly.
CREATE DATABASE bench CHARACTER SET utf8mb4;
USE bench;

CREATE TABLE countries (
  code CHAR(2) CHARACTER SET ascii NOT NULL PRIMARY KEY,
  name VARCHAR(60) NOT NULL
);

CREATE TABLE accounts (
  id         INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name       VARCHAR(100) NOT NULL,
  plan       ENUM('free','team','business') NOT NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE users (
  id         INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  account_id INT UNSIGNED NOT NULL,
  email      VARCHAR(160) NOT NULL,
  name       VARCHAR(100) NOT NULL,
  country    CHAR(2) CHARACTER SET ascii,
  born       DATE,
  prefs      JSON,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE products (
  id          INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  sku         CHAR(12) CHARACTER SET ascii NOT NULL,
  title       VARCHAR(120) NOT NULL,
  description TEXT,
  price       DECIMAL(10,2) NOT NULL,
  price_gross DECIMAL(10,2) GENERATED ALWAYS AS (ROUND(price * 1.19, 2)) STORED,
  weight      DOUBLE
);

CREATE TABLE orders (
  id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id    INT UNSIGNED NOT NULL,
  number     VARCHAR(20) CHARACTER SET ascii NOT NULL,
  state      ENUM('new','paid','sent','returned') NOT NULL,
  total      DECIMAL(12,2) NOT NULL,
  note       VARCHAR(255),
  placed_at  DATETIME(3) NOT NULL
);

CREATE TABLE order_items (
  order_id   BIGINT UNSIGNED NOT NULL,
  line       TINYINT UNSIGNED NOT NULL,
  product_id INT UNSIGNED NOT NULL,
  quantity   SMALLINT UNSIGNED NOT NULL,
  price      DECIMAL(10,2) NOT NULL,
  PRIMARY KEY (order_id, line)
);

CREATE TABLE events (
  id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  account_id INT UNSIGNED NOT NULL,
  user_id    INT UNSIGNED,
  kind       VARCHAR(32) NOT NULL,
  request    BINARY(16) NOT NULL,
  url        VARCHAR(255),
  amount     DECIMAL(12,4),
  payload    JSON,
  at         DATETIME(6) NOT NULL
);

CREATE TABLE documents (
  id         INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  author_id  INT UNSIGNED NOT NULL,
  title      VARCHAR(200) NOT NULL,
  body       MEDIUMTEXT NOT NULL,
  meta       JSON,
  changed_at DATETIME NOT NULL
);

CREATE TABLE attachments (
  id          INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  document_id INT UNSIGNED NOT NULL,
  name        VARCHAR(120) NOT NULL,
  content     MEDIUMBLOB NOT NULL
);

CREATE TABLE tags (
  id    INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  label VARCHAR(60) NOT NULL
);

CREATE TABLE document_tags (
  document_id INT UNSIGNED NOT NULL,
  tag_id      INT UNSIGNED NOT NULL,
  PRIMARY KEY (document_id, tag_id)
);

CREATE TABLE settings (
  name  VARCHAR(80) NOT NULL PRIMARY KEY,
  value TEXT
);
