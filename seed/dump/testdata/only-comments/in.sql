-- nothing
;;; /* here */ ;
