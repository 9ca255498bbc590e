"""The application's tables, as Django declares them by default."""

import os

from django.db import models

#: Whether booksync has adopted the tables, so that Django leaves them alone.
_IS_ADOPTED = "BOOKSYNC" in os.environ


class User(models.Model):
    email = models.EmailField(unique=True)

    class Meta:
        db_table = "users"


class Invoice(models.Model):
    user = models.ForeignKey(User, on_delete=models.PROTECT)
    zoho_invoice_id = models.CharField(max_length=30)
    zoho_customer_id = models.CharField(max_length=30)
    customer_name = models.CharField(max_length=100, blank=True)
    customer_phone = models.CharField(max_length=20, blank=True)
    customer_country_code = models.CharField(max_length=2, blank=True)
    customer_timezone = models.CharField(max_length=40, blank=True)
    invoice_number = models.CharField(max_length=30, blank=True)
    status = models.CharField(max_length=10, default="draft")
    date = models.DateField(null=True)
    due_date = models.DateTimeField(null=True)
    total = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    balance = models.FloatField(default=0)
    currency_code = models.CharField(max_length=3, default="EUR")
    lines = models.JSONField(default=dict)
    channel = models.CharField(max_length=20, default="web")
    is_disputed = models.BooleanField(default=False)
    zoho_last_modified_at = models.DateTimeField(null=True)
    local_last_synced_at = models.DateTimeField(auto_now=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "invoices_cache"
        managed = not _IS_ADOPTED
        unique_together = (("user", "zoho_invoice_id"),)


class Reminder(models.Model):
    user = models.ForeignKey(User, on_delete=models.PROTECT)
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE)
    step = models.IntegerField()
    scheduled_at = models.DateTimeField()
    phone = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=10, default="scheduled")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "reminders"
        managed = not _IS_ADOPTED
        unique_together = (("invoice", "step"),)


class SyncMetadata(models.Model):
    user = models.OneToOneField(User, on_delete=models.CASCADE)
    last_invoice_sync_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "sync_metadata"
        managed = not _IS_ADOPTED
