SET sql_mode='ANSI';
CREATE TABLE "a""b;" ("c\" int);
INSERT INTO "s"."t" VALUES ('\';');
