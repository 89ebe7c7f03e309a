delimiter //
create procedure a() begin select 1; end//
SELECT ';'; //
Delimiter ';;'
SELECT 1; ;;
  DELIMITER $$ trailing words
SELECT '$$' $$ SELECT 2 $$
DELIMITER ;
select 1;;;
 ; select 2;delimiter |
select 3 | select '|' |
DELIMITER ;
SELECT 'DELIMITER x
DELIMITER y
';
