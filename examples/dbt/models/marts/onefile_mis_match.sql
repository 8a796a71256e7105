with onefile as (
    select
        customer || ':' || cast(learner_id as {{ dbt.type_string() }}) as onefile_key,
        customer, learner_id, organisation, learner, status, in_learning, misid,
        upper({{ onefile.squeezed('misid') }}) as misid_key,
        {{ onefile.uln_key('uln') }} as uln_key,
        lower({{ onefile.squeezed('email') }}) as email_key
    from {{ ref('onefile_learners') }}
    where not is_archived and not is_gone
        -- Without the table of the MIS nobody is missing in it.
        and {{ 'true' if var('onefile_mis_learners', '') else 'false' }}
        and organisation_id = coalesce(
            cast({{ var('onefile_mis_organisation_id') }} as {{ dbt.type_bigint() }}), organisation_id
        )
),

mis as (
    select * from {{ ref('int_onefile_mis') }}
),

by_id as (
    select onefile.onefile_key, mis.mis_row, 'MISID' as matched_by
    from onefile
    inner join mis on onefile.misid_key = mis.misid_key and coalesce(mis.customer, onefile.customer) = onefile.customer
    union all
    select onefile.onefile_key, mis.mis_row, 'ULN'
    from onefile
    inner join mis on onefile.uln_key = mis.uln_key and coalesce(mis.customer, onefile.customer) = onefile.customer
    where not coalesce(onefile.misid_key = mis.misid_key, false)
),

-- People share addresses, so an e-mail address counts only between those whom no id matches to anybody.
candidates as (
    select * from by_id
    union all
    select onefile.onefile_key, mis.mis_row, 'email'
    from onefile
    inner join mis on onefile.email_key = mis.email_key and coalesce(mis.customer, onefile.customer) = onefile.customer
    where onefile.onefile_key not in (select by_id.onefile_key from by_id)
        and mis.mis_row not in (select by_id.mis_row from by_id)
),

pairs as (
    select
        *,
        count(*) over (partition by mis_row) as learners_in_onefile,
        count(*) over (partition by onefile_key) as learners_in_mis
    from candidates
),

doubled_in_onefile as (
    select customer, misid_key from onefile where misid_key is not null group by customer, misid_key having count(*) > 1
),

doubled_in_mis as (
    select misid_key from mis where misid_key is not null group by misid_key having count(*) > 1
)

select
    coalesce(onefile.customer, mis.customer) as customer,
    case
        when pairs.learners_in_onefile > 1 then 'Check: fits several learners in OneFile'
        when pairs.learners_in_mis > 1 then 'Check: fits several learners in the MIS'
        when twice_in_mis.misid_key is not null then 'Check: MISID is doubled in the MIS'
        when mis.mis_row is null and twice_in_onefile.misid_key is not null then 'Check: MISID is doubled in OneFile'
        when mis.mis_row is null then 'Find: only in OneFile'
        when mis.misid_key is null then 'Check: no MISID in the MIS'
        when onefile.onefile_key is null then 'Add: only in the MIS'
        when onefile.uln_key <> mis.uln_key then 'Check: ULNs differ'
        when onefile.misid_key <> mis.misid_key and pairs.matched_by = 'email' then 'Check: MISIDs differ'
        when onefile.misid_key is null then 'Set the MISID'
        when onefile.misid_key <> mis.misid_key then 'Change the MISID'
        when onefile.misid <> mis.misid then 'Spell the MISID as the MIS does'
        else 'In order'
    end as action,
    pairs.matched_by,
    onefile.learner_id,
    onefile.organisation,
    onefile.learner,
    onefile.status,
    onefile.in_learning,
    onefile.misid,
    mis.mis_row,
    mis.name as mis_name,
    mis.misid as mis_misid
from pairs
full join onefile on pairs.onefile_key = onefile.onefile_key
full join mis on pairs.mis_row = mis.mis_row
left join doubled_in_mis as twice_in_mis on mis.misid_key = twice_in_mis.misid_key
left join doubled_in_onefile as twice_in_onefile
    on onefile.misid_key = twice_in_onefile.misid_key and onefile.customer = twice_in_onefile.customer
