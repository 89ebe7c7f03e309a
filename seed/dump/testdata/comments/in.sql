# hash ' comment ;
-- dash " comment ;
--no space here
--	tab
--
/* block ' ; ` */ SELECT 1 /* in ; ' */ + 2 -- it's ; here
 ; SELECT 5--1;
SELECT /*+ HINT(a;'b) */ 1;
SELECT /*! 2 ' ; */ ' */;
/*!50003 SELECT 3; */ SELECT 4;
/**/;/***/;/* * / **/ SELECT 5 # end
