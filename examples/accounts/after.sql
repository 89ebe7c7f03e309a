-- Nobody should find the sessions of production in a development image.
DELETE FROM shop.sessions;
