-- Secondary and foreign keys: 17 of the first kind, 4 of them unique, 8 of the
-- second. Without checks, a foreign key is added in place; with them, the server
-- copies the table in one transaction, which took it 20 GB of memory.
USE bench;
SET SESSION foreign_key_checks = 0;
ALTER TABLE accounts ADD KEY plan (plan);
ALTER TABLE users ADD UNIQUE KEY email (email), ADD KEY account (account_id, created_at), ADD KEY country (country),
  ADD CONSTRAINT users_account FOREIGN KEY (account_id) REFERENCES accounts (id),
  ADD CONSTRAINT users_country FOREIGN KEY (country) REFERENCES countries (code);
ALTER TABLE products ADD UNIQUE KEY sku (sku), ADD KEY title (title(40));
ALTER TABLE orders ADD UNIQUE KEY number (number), ADD KEY user (user_id, placed_at), ADD KEY state (state),
  ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users (id);
ALTER TABLE order_items ADD KEY product (product_id),
  ADD CONSTRAINT items_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
  ADD CONSTRAINT items_product FOREIGN KEY (product_id) REFERENCES products (id);
ALTER TABLE events ADD UNIQUE KEY request (request), ADD KEY account (account_id, at), ADD KEY user (user_id, at), ADD KEY kind (kind),
  ADD CONSTRAINT events_account FOREIGN KEY (account_id) REFERENCES accounts (id);
ALTER TABLE documents ADD KEY author (author_id), ADD KEY title (title(40)),
  ADD CONSTRAINT documents_author FOREIGN KEY (author_id) REFERENCES users (id);
ALTER TABLE attachments ADD KEY document (document_id);
ALTER TABLE document_tags ADD KEY tag (tag_id),
  ADD CONSTRAINT tags_tag FOREIGN KEY (tag_id) REFERENCES tags (id);
CREATE VIEW paid AS SELECT u.country, SUM(o.total) AS total FROM orders o JOIN users u ON u.id = o.user_id
  WHERE o.state <> 'new' GROUP BY u.country;
