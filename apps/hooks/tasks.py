"""Jobs of this room."""

from apps.hooks import mail, services
from apps.jobs.registry import handler

handler(services.DELIVER)(services.deliver)
handler(mail.SEND)(mail.send)
