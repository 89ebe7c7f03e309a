/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET character_set_client  = gbk */ ;
DELIMITER ;;
CREATE TRIGGER db.tr AFTER UPDATE ON x FOR EACH ROW SET @a='¿\';;
DELIMITER ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;
SELECT '¿\';';
